import type { TwilioCredentials } from '@trunkline/contracts';
import { isRefusal, ProviderProblem } from '../provisioning/index.ts';

/** Reads that show whether an account can be used. None changes anything. */
export interface ProvableAccount {
  /** Throws `provider_credentials_refused` unless Twilio accepts the credentials and the account is active. */
  proveCredentials(): Promise<void>;
  /** Also throws if the trunks belong to another account. */
  seeTrunks(): Promise<void>;
  seeCredentialLists(): Promise<void>;
  /** Undefined: these credentials lack the permission to see that. */
  isTrial(): Promise<boolean | undefined>;
}

/** What the proof found out. */
export interface Proven {
  /** Undefined: the credentials lack the permission to see that. */
  is_trial: boolean | undefined;
}

/** Throws unless the credentials can read everything that an import needs. Whether they can write shows only when they do. */
export const createProve =
  (connect: (credentials: TwilioCredentials) => ProvableAccount) =>
  async (credentials: TwilioCredentials): Promise<Proven> => {
    const account = connect(credentials);
    // Only for a warning, so a failure does not matter.
    const trial = account.isTrial().catch(() => undefined);
    await Promise.all([requireSight(account), proveRouting(credentials, connect)]);
    return { is_trial: await trial };
  };

const requireSight = async (account: ProvableAccount): Promise<void> => {
  const reads = [
    ["read the account's phone numbers", account.proveCredentials()],
    ['list SIP trunks', account.seeTrunks()],
    ['list SIP credential lists', account.seeCredentialLists()],
  ] as const;
  const outcomes = await Promise.allSettled(reads.map(([, read]) => read));
  const errors = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
  if (errors.length === 0) return;
  const refusals = errors.filter(isOfCredentials);
  if (refusals.length < errors.length) throw errors.find((error) => !isOfCredentials(error));
  // If any read succeeded, or was refused for lack of permission, the credentials themselves are right.
  if (errors.length === reads.length && refusals.every(({ code }) => code === 'provider_credentials_refused'))
    throw errors[0];
  const missing = reads.filter((_read, n) => outcomes[n]?.status === 'rejected').map(([act]) => act);
  const [provider] = refusals.map(({ members }) => members.provider);
  throw new ProviderProblem(
    'provider_refused',
    `Twilio accepts the credentials, but they lack the permission to ${missing.join(', and to ')}, which every import needs. Give the API key that permission, or replace it with a standard key.`,
    { ...(provider && { provider }) },
  );
};

const isOfCredentials = (error: unknown): error is ProviderProblem =>
  isRefusal(error) &&
  (error.code === 'provider_credentials_refused' || (error.code === 'provider_refused' && isUnauthorized(error)));

const isUnauthorized = ({ members: { provider } }: ProviderProblem): boolean =>
  provider?.status === 401 || provider?.status === 403;

/** A key only for routing need not see the account's numbers, so a refusal for lack of that permission is accepted. */
const proveRouting = async (
  { provider, account_sid, routing_credentials }: TwilioCredentials,
  connect: (credentials: TwilioCredentials) => Pick<ProvableAccount, 'proveCredentials'>,
): Promise<void> => {
  if (routing_credentials === undefined) return;
  await connect({ provider, account_sid, ...routing_credentials })
    .proveCredentials()
    .catch((error: unknown) => {
      if (!isOfCredentials(error) || error.code === 'provider_credentials_refused') throw error;
    });
};
