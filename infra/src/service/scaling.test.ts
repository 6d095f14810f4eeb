import { expect, it } from 'vitest';
import { dev, prod } from '../../test/given.ts';
import { parseConfig } from '../config/config.ts';
import { quotaNotice } from './scaling.ts';

it('says how many vCPU a deployment at full size needs, and what to ask AWS for', () => {
  const notice = quotaNotice(parseConfig(prod({ service: { cpu: 1024, memory: 2048, min: 2, max: 6 } })));
  expect(notice).toContain('needs 12 vCPU');
  expect(notice).toContain('--quota-code L-3032A538 --desired-value 12');
});

it('says nothing if the quota of a new account is enough', () => {
  expect(quotaNotice(parseConfig(dev()))).toBeUndefined();
});
