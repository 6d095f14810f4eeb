/** The page that Scalar's reference is put into. `folder` is where its files are; `nonce` allows its styles. */
export const pageOf = (folder: string, nonce: string): string => `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta property="csp-nonce" content="${nonce}">
  <meta name="color-scheme" content="light dark">
  <meta name="description" content="The API of Trunkline: every operation, field and problem.">
  <title>Trunkline API</title>
  <link rel="icon" type="image/svg+xml" href="${folder}/icon.svg">
  <link rel="modulepreload" href="${folder}/scalar/standalone.esm.js">
  <link rel="preload" as="fetch" crossorigin href="${folder}/openapi.json">
  <link rel="alternate" type="text/markdown" href="/docs.md">
  <link rel="stylesheet" href="${folder}/style.css">
  <script type="module" src="${folder}/start.js"></script>
</head>
<body>
  <div id="reference"></div>
  <noscript>This page needs JavaScript. <a href="/docs.md">The same as Markdown</a> does not.</noscript>
</body>
</html>
`;

/** API keys stay in the page's memory, and are gone when it is closed. */
export const start = `// The sheet of Scalar takes the nonce from the page. What else it makes gets it here.
const nonce = document.querySelector('meta[property=csp-nonce]').content;
const create = document.createElement;
document.createElement = function (name, ...options) {
  const made = create.call(this, name, ...options);
  if (made instanceof HTMLStyleElement) made.nonce = nonce;
  return made;
};

const { createApiReference } = await import('./scalar/standalone.esm.js');

const isPhone = matchMedia('(max-width: 1000px)').matches;

createApiReference('#reference', {
  url: new URL('openapi.json', import.meta.url).href,
  baseServerURL: location.origin,
  theme: 'default',
  layout: 'modern',
  withDefaultFonts: false,
  telemetry: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  showDeveloperTools: 'never',
  hideClientButton: true,
  documentDownloadType: 'none',
  hideModels: true,
  persistAuth: false,
  authentication: { preferredSecurityScheme: [['X-API-Key', 'X-Organization-Id']] },
  defaultOpenAllTags: true,
  orderSchemaPropertiesBy: 'preserve',
  expandAllParameters: !isPhone,
  maxVisibleRequestBodyProperties: isPhone ? 5 : 10,
  defaultHttpClient: { targetKey: 'shell', clientKey: 'curl' },
  featuredClients: ['shell/curl', 'node/fetch', 'python/requests', 'go/native', 'java/okhttp'],
});

// What Scalar's request editor leaves out for screen readers: a field that is closed, a button that is one, a name.
const complete = () => {
  for (const editor of document.querySelectorAll('[role=dialog]')) {
    const each = (selector, change) => editor.querySelectorAll(selector).forEach(change);
    each('[role=combobox]:not([aria-expanded])', (field) => field.setAttribute('aria-expanded', 'false'));
    each('button[role=none]', (button) => button.removeAttribute('role'));
    each('.cm-content:not([aria-label])', (text) => text.setAttribute('aria-label', 'Body'));
  }
};
new MutationObserver(complete).observe(document.body, { childList: true, subtree: true });
`;

/** Gives Scalar's colours the contrast that WCAG AA requires of small text, and tightens its spacing. */
export const style = `.light-mode {
  --scalar-color-2: #4d4d4d;
  --scalar-color-3: #666;
  --scalar-color-green: #00734a;
  --scalar-color-red: #b80016;
  --scalar-color-orange: #a83c00;
  --scalar-color-yellow: #7a5200;
  --scalar-color-blue: #0062b3;
  --scalar-color-purple: #5203d1;
}
.dark-mode {
  --scalar-color-2: #b8b8b8;
  --scalar-color-3: #9e9e9e;
  --scalar-color-red: #ff7a85;
}
#reference .section { padding-block: 40px; }
#reference .examples .custom-scroll { max-height: 420px; }
#reference .scalar-reference-intro-auth tr:has(.code-input-lite__editor) { display: none; }
#reference .scalar-reference-intro-auth input::placeholder { color: transparent; }
#reference .markdown table :is(th, td) { padding: 2px 8px; font-size: 13px; line-height: 1.4; word-break: normal; }
#reference .markdown table td code { font-size: 11px; overflow-wrap: anywhere; }
#reference .markdown table td:first-child { width: 1%; }
#reference .markdown table td:nth-child(2) { width: 42%; }
#reference .markdown pre code { white-space: pre-wrap; overflow-wrap: anywhere; }
#reference .request-body-schema { max-height: 860px; overflow-y: auto; }
@media (max-width: 1000px) {
  #reference .section { padding-block: 20px; }
  #reference .operation-auth, #reference .property-discriminator, #reference .selected-content-type { display: none; }
  #reference :is(.operation-details, .operation-description) .markdown p { font-size: 14px; line-height: 1.35; }
  #reference .property--tree { padding-block: 5px; }
  #reference .responses-list--tree .parameter-item-trigger { padding-block: 6px; }
  #reference .examples .custom-scroll { max-height: 150px; overflow-y: auto; }
  #reference .request-body-schema { max-height: 460px; }
}
`;

export const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1a5fb4"/><path d="M6 16h20M16 16V7m0 9v9M9 10l7 6 7-6M9 22l7-6 7 6" fill="none" stroke="#fff" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round"/></svg>
`;
