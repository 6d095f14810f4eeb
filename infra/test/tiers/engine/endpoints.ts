import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';

export interface Endpoints {
  url: string;
  /** Every object, by bucket and key. */
  files: Map<string, Buffer>;
  /** The requests since the last call of this function, as IAM actions. */
  asked(): string[];
  close(): Promise<void>;
}

interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

/** Stand-ins for S3 and KMS, as far as Pulumi's command line calls them for its state and secrets. */
export const openEndpoints = async (): Promise<Endpoints> => {
  const files: Endpoints['files'] = new Map();
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const [action, { status = 200, headers = {}, body = '' }] = answer(request, Buffer.concat(chunks), files);
    asked.push(action);
    response.writeHead(status, headers).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the endpoints have no port');
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { url: `http://127.0.0.1:${address.port}`, files, asked: () => asked.splice(0), close };
};

const answer = ({ method, url = '', headers }: IncomingMessage, sent: Buffer, files: Endpoints['files']) => {
  const target = String(headers['x-amz-target'] ?? '');
  if (target) return kms(target, JSON.parse(sent.toString()));
  const { pathname, searchParams } = new URL(url, 'http://s3');
  // At an IP address, the bucket is the first part of the path.
  const path = decodeURIComponent(pathname.slice(1));
  if (searchParams.has('list-type')) return list(path, searchParams, files);
  const from = headers['x-amz-copy-source'];
  return s3(method ?? '', path, from === undefined ? sent : files.get(decodeURIComponent(String(from))), files);
};

const s3 = (method: string, path: string, sent: Buffer | undefined, files: Endpoints['files']): [string, Answer] => {
  if (method === 'PUT' && sent) {
    files.set(path, sent);
    return ['s3:PutObject', { body: `<CopyObjectResult>${DATED}</CopyObjectResult>` }];
  }
  if (method === 'DELETE') {
    files.delete(path);
    return ['s3:DeleteObject', { status: 204 }];
  }
  const found = files.get(path);
  const missing = { status: 404, body: method === 'HEAD' ? '' : '<Error><Code>NoSuchKey</Code></Error>' };
  const headers = { 'content-length': String(found?.length), 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT' };
  return ['s3:GetObject', found ? { headers, body: method === 'HEAD' ? '' : found } : missing];
};

const DATED = '<ETag>"1"</ETag><LastModified>2026-01-01T00:00:00Z</LastModified>';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
const list = (path: string, searchParams: URLSearchParams, files: Endpoints['files']): [string, Answer] => {
  const bucket = path.replace(/\/?$/, '/');
  const prefix = searchParams.get('prefix') ?? '';
  const delimiter = searchParams.get('delimiter');
  const keys = [...files.keys()]
    .filter((key) => key.startsWith(bucket + prefix))
    .map((key) => key.slice(bucket.length));
  const end = (key: string) => (delimiter === null ? -1 : key.indexOf(delimiter, prefix.length));
  const folders = new Set(keys.filter((key) => end(key) >= 0).map((key) => key.slice(0, end(key) + 1)));
  const entries = [
    ...keys
      .filter((key) => end(key) < 0)
      .toSorted()
      .map((key) => `<Contents><Key>${key}</Key><Size>${files.get(bucket + key)?.length}</Size>${DATED}</Contents>`),
    ...[...folders].toSorted().map((folder) => `<CommonPrefixes><Prefix>${folder}</Prefix></CommonPrefixes>`),
  ];
  return ['s3:ListBucket', { body: `<ListBucketResult>${entries.join('')}</ListBucketResult>` }];
};

/** Ciphertexts never equal their plaintext. */
const kms = (target: string, { KeyId, Plaintext, CiphertextBlob }: Record<string, string>): [string, Answer] => {
  const action = target.replace('TrentService.', '');
  const turned = (text = '') => Buffer.from(Buffer.from(text, 'base64').map((byte) => byte ^ 0x5a)).toString('base64');
  const body =
    action === 'Encrypt' ? { KeyId, CiphertextBlob: turned(Plaintext) } : { Plaintext: turned(CiphertextBlob) };
  return [`kms:${action}`, { headers: { 'content-type': 'application/x-amz-json-1.1' }, body: JSON.stringify(body) }];
};
