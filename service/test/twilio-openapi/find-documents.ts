import { existsSync } from 'node:fs';
import { join } from 'node:path';

export const names = ['twilio_api_v2010', 'twilio_trunking_v1', 'twilio_routes_v2'] as const;

/** The folder with Twilio's OpenAPI documents, from TWILIO_OPENAPI_DIR. */
export const findDocuments = (): string | undefined => {
  const folder = process.env.TWILIO_OPENAPI_DIR;
  return folder && names.every((name) => existsSync(join(folder, `${name}.json`))) ? folder : undefined;
};

/** Runs before the tests: says that they are skipped and what is missing; fails if CI is set. */
export const setup = () => {
  if (findDocuments()) return;
  const missing =
    `No OpenAPI documents of Twilio's: set TWILIO_OPENAPI_DIR to a folder that holds ${names.map((name) => `${name}.json`).join(', ')}, ` +
    'such as spec/json of https://github.com/twilio/twilio-oai.';
  if (process.env.CI) throw new Error(missing);
  console.log(`Skipped. ${missing}`);
};
