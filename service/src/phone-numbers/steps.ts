import type { StepName } from '@trunkline/contracts';
import type { Step } from '../provisioning/provision.ts';
import { carrierOf, findRouting, giveBackRouting, routeToTrunk, verifyOwnership } from './carrier-side.ts';
import type { Job } from './job.ts';
import { outboundLineOf } from './line.ts';
import type { PhoneNumberRecord } from './record.ts';
import { createDispatchRule, createInboundTrunk, findDispatchRules, mine } from './switchboard-side.ts';

const ofTwilio = ({ provider }: PhoneNumberRecord) => provider === 'twilio';
const inbound = ({ supports_inbound }: PhoneNumberRecord) => supports_inbound;
const outbound = ({ supports_outbound }: PhoneNumberRecord) => supports_outbound;

/**
 * How a number gets there. The carrier's routing comes last, so that no call arrives before something answers it;
 * undoing goes from the bottom up.
 */
export const steps: readonly Step<Job, StepName>[] = [
  {
    name: 'verify_ownership',
    after: [],
    when: ofTwilio,
    make: verifyOwnership,
  },
  {
    name: 'carrier_trunk',
    after: ['verify_ownership'],
    when: (record) => ofTwilio(record) && (inbound(record) || outbound(record)),
    make: async (job) => (await carrierOf(job).trunk()).trunk_sid,
  },
  {
    name: 'inbound_trunk',
    after: ['verify_ownership'],
    when: inbound,
    make: createInboundTrunk,
    list: async (job) => mine(job, await job.switchboard.findInboundTrunks(job.record.phone_number)),
    remove: (job, trunk_id) => job.switchboard.removeTrunk(trunk_id),
  },
  {
    name: 'dispatch_rule',
    after: ['inbound_trunk'],
    when: inbound,
    make: createDispatchRule,
    list: async (job) => mine(job, await findDispatchRules(job)),
    remove: (job, dispatch_rule_id) => job.switchboard.removeDispatchRule(dispatch_rule_id),
  },
  {
    name: 'outbound_trunk',
    after: ['verify_ownership', 'carrier_trunk'],
    when: outbound,
    make: async (job) => job.switchboard.createOutboundTrunk(await outboundLineOf(job)),
    list: async (job) => mine(job, await job.switchboard.findOutboundTrunks(job.record.phone_number)),
    remove: (job, trunk_id) => job.switchboard.removeTrunk(trunk_id),
  },
  {
    name: 'carrier_routing',
    after: ['carrier_trunk', 'inbound_trunk', 'dispatch_rule', 'outbound_trunk'],
    isRecordedBefore: true,
    when: (record) => ofTwilio(record) && inbound(record),
    make: routeToTrunk,
    list: findRouting,
    remove: giveBackRouting,
  },
];
