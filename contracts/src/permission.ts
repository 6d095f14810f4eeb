import { z } from 'zod';

export const permissions = [
  'phone_numbers:create',
  'phone_numbers:read',
  'phone_numbers:update',
  'phone_numbers:delete',
  'integrations:create',
  'integrations:read',
  'integrations:update',
  'integrations:delete',
  'events:read',
  'api_keys:create',
  'api_keys:read',
  'api_keys:delete',
  'webhooks:create',
  'webhooks:read',
  'webhooks:delete',
] as const;

export type Permission = (typeof permissions)[number];

export const Role = z.enum(['admin', 'agent_manager', 'user']).meta({
  id: 'Role',
  description:
    'What a key may do: `admin` everything, `agent_manager` all of phone numbers, integrations and keys up to its own role, `user` only read phone numbers and integrations.',
});
export type Role = z.infer<typeof Role>;

const startsWith =
  (...prefixes: string[]) =>
  (permission: Permission) =>
    prefixes.some((prefix) => permission.startsWith(prefix));

/** What each role may do. */
export const permissionsOf: Record<Role, readonly Permission[]> = {
  admin: permissions,
  agent_manager: permissions.filter(startsWith('phone_numbers:', 'integrations:', 'events:read', 'api_keys:')),
  user: ['phone_numbers:read', 'integrations:read'],
};

const ranks: Record<Role, number> = { user: 0, agent_manager: 1, admin: 2 };

/** No key may create or revoke a key with a higher role. */
export const isAbove = (role: Role, own: Role): boolean => ranks[role] > ranks[own];
