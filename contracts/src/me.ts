import { z } from 'zod';
import { KeyId, OrganizationId } from './id.ts';
import { permissions, Role } from './permission.ts';

/** The organization and role that the API key stands for. */
export const Me = z
  .strictObject({
    organization_id: OrganizationId,
    organization_name: z.string().meta({ description: 'What the organization is called.', example: 'Acme' }),
    key_id: KeyId,
    role: Role,
    permissions: z
      .array(z.enum(permissions).meta({ id: 'Permission', description: 'What a key may do.' }))
      .meta({ description: 'What the role may do.' }),
  })
  .meta({ id: 'Me', description: 'Whom the API key stands for.' });
export type Me = z.infer<typeof Me>;
