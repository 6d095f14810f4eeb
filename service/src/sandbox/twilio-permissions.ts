import type { Asked, Serve, Thing } from './twilio-things.ts';
import { TwilioRefusal, versionPage } from './twilio-wire.ts';

const PERMISSIONS = '/v1/Trunks/:trunk/CredentialLists';

/** The credential lists that a trunk accepts. https://www.twilio.com/docs/sip-trunking/api/credentiallist-resource */
export const servePermissions: Serve = (route) => {
  const permissionOf = async ({ things, params, req }: Asked): Promise<Thing> => {
    const where = { trunk_sid: params.trunk, credential_list_sid: params.list };
    const [permission] = await things.list('permission', where);
    if (permission === undefined) throw TwilioRefusal.notFound(req.path);
    return permission;
  };

  route('listPermissions', 'get', PERMISSIONS, async (asked) => {
    const { sid: trunk_sid } = await asked.things.find('trunk', asked.params.trunk);
    const permissions = await asked.things.list('permission', { trunk_sid });
    return versionPage(
      'credential_lists',
      permissions.map((permission) => describePermission(permission, asked)),
      asked.req,
    );
  });
  route('createPermission', 'post', PERMISSIONS, async (asked) => {
    const { sid: trunk_sid } = await asked.things.find('trunk', asked.params.trunk);
    const list = await asked.things.find('credential_list', asked.form.CredentialListSid);
    const permission = await asked.things.make('permission', 'CL', {
      sid: `${trunk_sid}-${list.sid}`,
      trunk_sid,
      credential_list_sid: list.sid,
      friendly_name: list.friendly_name,
    });
    return { status: 201, body: describePermission(permission, asked) };
  });
  route('deletePermission', 'delete', `${PERMISSIONS}/:list`, async (asked) =>
    asked.things.drop('permission', await permissionOf(asked)),
  );
};

/** A permission has the SID of its list. */
const describePermission = ({ credential_list_sid, ...permission }: Thing, { host }: Asked) => ({
  date_created: null,
  date_updated: null,
  ...permission,
  sid: credential_list_sid,
  url: `https://${host}/v1/Trunks/${permission.trunk_sid}/CredentialLists/${credential_list_sid}`,
});
