import { createHmac } from 'node:crypto';

/** Whom the service signs in as: it reads and writes its own database, and nothing else of the cluster. */
export const SERVICE_USER = 'service';
/** What alone knows the master user. */
export const ADMIN_SETTING = 'DATABASE_ADMIN_URI';

/** Made of the master's password in one direction: who has this one does not have that one, and both change together. */
export const servicePasswordOf = (masterPassword: string): string =>
  createHmac('sha256', masterPassword).update('the service user of Trunkline').digest('hex');

/** Runs before the service, in each task, and makes its user as it should be: nothing else reaches the database. */
export const MAKE_USER = `
const { MongoClient } = require('mongoose').mongo;
const { username, password, pathname } = new URL(process.env.MONGODB_URI);
const pwd = decodeURIComponent(password);
const roles = [{ role: 'readWrite', db: pathname.slice(1) }];
const client = new MongoClient(process.env.${ADMIN_SETTING}, { serverSelectionTimeoutMS: 30000 });
const admin = client.db('admin');
admin.command({ updateUser: username, pwd, roles })
  .catch(() => admin.command({ createUser: username, pwd, roles }))
  .then(() => console.log('The service has its user.'))
  .catch(({ name, codeName, code }) => {
    console.error('The service gets no user:', name, codeName, code);
    process.exitCode = 1;
  })
  .finally(() => client.close());
`.trim();
