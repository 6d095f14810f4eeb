import type { Part } from '../provisioning/index.ts';
import { attach, findRouting, giveBackRouting, routeToTrunk } from './carrier-side.ts';
import { carrierOf, type Job, knownOf } from './job.ts';
import type { PartName, PhoneNumberRecord } from './record.ts';
import {
  changeDispatchRule,
  createDispatchRule,
  createInboundTrunk,
  createOutboundTrunk,
  findDispatchRules,
  mine,
} from './switchboard-side.ts';
import {
  inboundContentOf,
  inboundTrunkOf,
  outboundContentOf,
  outboundTrunkOf,
  ruleContentOf,
} from './trunk-settings.ts';
import { findRegion, giveBackRegion, isMoved, moveRegion, regionContentOf } from './voice-region.ts';

const ofTwilio = ({ provider }: PhoneNumberRecord) => provider === 'twilio';
const always = () => true;
const inbound = ({ supports_inbound }: PhoneNumberRecord) => supports_inbound;
const outbound = ({ supports_outbound }: PhoneNumberRecord) => supports_outbound;

/**
 * What a number is made of. The carrier's routing comes last, so that no call arrives before something answers it. Only
 * the Region, if another was in force, follows after the routing to which it switches. Undoing goes from the bottom up.
 */
export const parts: readonly Part<Job, PartName>[] = [
  {
    name: 'carrier_trunk',
    after: [],
    when: (record) => ofTwilio(record) && (inbound(record) || outbound(record)),
    content: (job) => ({ trunk_sid: carrierOf(job).trunkSid() ?? null }),
    make: async (job) => (await carrierOf(job).trunk()).trunk_sid,
    change: async (job) => (await carrierOf(job).trunk()).trunk_sid,
  },
  {
    name: 'inbound_trunk',
    after: [],
    when: inbound,
    applies: always,
    content: inboundContentOf,
    make: createInboundTrunk,
    look: async (job) => mine(job, await job.switchboard.findInboundTrunks(job.record.phone_number)),
    change: async (job, trunk_id) =>
      (await job.switchboard.changeInboundTrunk(trunk_id, await inboundTrunkOf(job))) ? trunk_id : undefined,
    remove: (job, trunk_id) => job.switchboard.removeTrunk(trunk_id),
  },
  {
    name: 'dispatch_rule',
    after: ['inbound_trunk'],
    when: inbound,
    applies: always,
    content: ruleContentOf,
    make: createDispatchRule,
    look: async (job) => mine(job, await findDispatchRules(job)),
    change: changeDispatchRule,
    remove: (job, dispatch_rule_id) => job.switchboard.removeDispatchRule(dispatch_rule_id),
  },
  {
    name: 'outbound_trunk',
    after: ['carrier_trunk'],
    when: outbound,
    applies: always,
    content: outboundContentOf,
    make: createOutboundTrunk,
    look: async (job) => mine(job, await job.switchboard.findOutboundTrunks(job.record.phone_number)),
    change: async (job, trunk_id, differences) =>
      (await job.switchboard.changeOutboundTrunk(trunk_id, await outboundTrunkOf(job), differences))
        ? trunk_id
        : undefined,
    remove: (job, trunk_id) => job.switchboard.removeTrunk(trunk_id),
  },
  {
    name: 'carrier_routing',
    after: ['carrier_trunk', 'inbound_trunk', 'dispatch_rule', 'outbound_trunk'],
    isRecordedBefore: true,
    isReportedWhole: true,
    when: (record) => ofTwilio(record) && inbound(record),
    applies: ofTwilio,
    content: (job) => ({ trunk_sid: knownOf(job, 'carrier_trunk') ?? null }),
    make: routeToTrunk,
    look: findRouting,
    change: attach,
    remove: giveBackRouting,
  },
  {
    name: 'carrier_region',
    after: ['carrier_routing'],
    isRecordedBefore: true,
    isReportedWhole: true,
    when: (record) => isMoved(record) && inbound(record),
    applies: isMoved,
    content: regionContentOf,
    make: moveRegion,
    look: findRegion,
    change: (job) => moveRegion(job, null),
    remove: giveBackRegion,
  },
];
