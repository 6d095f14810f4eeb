import { ACTIONS, rightsFor } from './rights.ts';

// pnpm --filter infra rights <account> <region>: of all that the program can make
const [accountId, region] = process.argv.slice(2);
if (accountId === undefined || region === undefined) {
  console.error('Usage: pnpm --filter infra rights <account> <region>');
  process.exitCode = 1;
} else {
  console.log(JSON.stringify(rightsFor(Object.keys(ACTIONS), { accountId, region }), null, 2));
}
