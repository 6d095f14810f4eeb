import json
from os import environ

from trunkline import AuthenticatedClient, models
from trunkline.api.api_keys import api_keys_create, api_keys_list, api_keys_revoke
from trunkline.api.identity import me as who_am_i
from trunkline.api.integrations import (
    integrations_available_numbers,
    integrations_create,
    integrations_get,
    integrations_list,
)
from trunkline.api.phone_numbers import (
    phone_numbers_assign,
    phone_numbers_get,
    phone_numbers_import,
    phone_numbers_list,
    phone_numbers_release,
    phone_numbers_unassign,
)

client = AuthenticatedClient(
    base_url=environ["URL"] + "/api",
    token=environ["API_KEY"],
    prefix="",
    auth_header_name="X-API-Key",
    headers={"X-Organization-Id": environ["ORGANIZATION_ID"]},
)

me = who_am_i.sync(client=client)
credentials = models.TwilioCredentials(
    provider="twilio", account_sid=environ["ACCOUNT_SID"], auth_token=environ["AUTH_TOKEN"]
)
integrated = integrations_create.sync(
    client=client, body=models.CreateIntegration(name="Ours", credentials=credentials)
)
integration = integrations_get.sync(integrated.data.integration_id, client=client)
available = integrations_available_numbers.sync(integrated.data.integration_id, client=client, page_size=1)
integrations = integrations_list.sync(client=client, page_size=10, include_total=True)

body = models.ImportFromSip(
    provider="sip",
    phone_number="+15551230001",
    supports_inbound=True,
    media_encryption=models.MediaEncryption.REQUIRE,
)
imported = phone_numbers_import.sync_detailed(
    client=client, body=body, idempotency_key="first", x_request_id="mine"
)
phone_number_id = imported.parsed.data.phone_number_id
refused = phone_numbers_import.sync(client=client, body=body)
assigned = phone_numbers_assign.sync(
    phone_number_id, client=client, body=models.AssignPhoneNumber(agent_id="receptionist")
)
number = phone_numbers_get.sync(phone_number_id, client=client)
unassigned = phone_numbers_unassign.sync(phone_number_id, client=client)
numbers = phone_numbers_list.sync(
    client=client, provider=models.Provider.SIP, status=models.PhoneNumberStatus.FREE
)
released = phone_numbers_release.sync(phone_number_id, client=client, force=True)

created = api_keys_create.sync(
    client=client, body=models.CreateApiKey(name="Short-lived", role=models.Role.USER)
)
keys = api_keys_list.sync(client=client)
revoked = api_keys_revoke.sync(created.data.key.key_id, client=client)

print(
    json.dumps(
        {
            "organization_id": me.data.organization_id,
            "integration": integration.data.status,
            "available": len(available.data),
            "integrations": integrations.pagination.total_count,
            "sip_uri": imported.parsed.data.sip_uri,
            "request_id": imported.headers["X-Request-Id"],
            "problem": refused.code,
            "problem_of": refused.phone_number_id == phone_number_id,
            "assigned": assigned.data.assigned_agent_id,
            "steps": [step.name for step in number.data.provisioning.steps],
            "unassigned": unassigned.data.status,
            "numbers": len(numbers.data),
            "released": released.data.provisioning_state,
            "raw_key": created.data.raw_key[:8],
            "keys": len(keys.data),
            "revoked": revoked.data.status,
        }
    )
)
