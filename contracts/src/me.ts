import { z } from 'zod';
import { KeyId, OrganizationId } from './id.ts';
import { permissions, Role } from './permission.ts';

/** Whom the API key stands for. */
export const Me = z
  .strictObject({
    organization_id: OrganizationId,
    organization_name: z.string(),
    key_id: KeyId,
    role: Role,
    permissions: z.array(z.enum(permissions)),
  })
  .meta({ id: 'Me' });
export type Me = z.infer<typeof Me>;
