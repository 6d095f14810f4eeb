import { createTrunklineClient, problemIn } from '@trunkline/contracts';

const trunkline = createTrunklineClient({
  url: 'http://127.0.0.1:3000',
  apiKey: process.env.API_KEY,
  organizationId: process.env.ORGANIZATION_ID,
});

try {
  const { data } = await trunkline.phoneNumbers.import.mutate({
    phone_number: '+15551230000',
    provider: 'sip',
    supports_inbound: true,
    allowed_addresses: ['203.0.113.7'],
    agent_id: 'receptionist',
  });
  if (data.provider === 'sip') console.log(`${data.phone_number_id}: send calls to ${data.sip_uri}`);
} catch (error) {
  const problem = problemIn(error);
  if (problem === undefined) throw error;
  console.log(`${problem.status} ${problem.code}: ${problem.detail}`);
}
