import { describe, expect, it } from 'vitest';
import { AllowedAddress, letsEveryoneIn } from './address.ts';

const faultOf = (given: string) => AllowedAddress.safeParse(given).error?.issues.map(({ message }) => message);

describe('a list of addresses', () => {
  it.each([
    [['0.0.0.0/0']],
    [['::/0']],
    [['0:0:0::/0']],
    [['203.0.113.7/0']],
    [['2001:db8::1/0']],
    [['0.0.0.0/1', '128.0.0.0/1']],
    [['128.0.0.0/1', '10.1.2.3/1']],
    [['0.0.0.0/2', '64.0.0.0/2', '128.0.0.0/2', '192.0.0.0/2']],
    [['0.0.0.0/0', '203.0.113.7']],
    [['2000::/3']],
    [['2000::/4', '3000::/4', '10.0.0.0/8']],
    // Everything except addresses that nobody on the internet has.
    [['0.0.0.0/1', '128.0.0.0/2', '192.0.0.0/3']],
    [
      [
        '0.0.0.0/1',
        '128.0.0.0/3',
        '160.0.0.0/5',
        '168.0.0.0/6',
        '172.32.0.0/11',
        '172.64.0.0/10',
        '172.128.0.0/9',
        '172.0.0.0/12',
        '173.0.0.0/8',
        '174.0.0.0/7',
        '176.0.0.0/4',
        '192.0.0.0/3',
      ],
    ],
  ])('lets everyone in: %j', (addresses) => {
    expect(letsEveryoneIn(addresses)).toBe(true);
  });

  it.each([
    [[]],
    [['203.0.113.7']],
    [['203.0.113.0/24', '2001:db8::/32']],
    [['0.0.0.0/1']],
    [['0.0.0.0/1', '128.0.0.0/2']],
    [['0.0.0.0/1', '129.0.0.0/8', '192.0.0.0/2']],
    [['2000::/4', '0.0.0.0/1']],
    [['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16']],
  ])('keeps somebody out: %j', (addresses) => {
    expect(letsEveryoneIn(addresses)).toBe(false);
  });
});

describe('an entry of a list of addresses', () => {
  it.each(['203.0.113.7', '203.0.113.7/24', '127.0.0.1', '10.0.0.0/8', '0.0.0.0/0', '2001:db8::1', '::1', '::/0'])(
    'may be %s',
    (given) => {
      expect(faultOf(given)).toBeUndefined();
    },
  );

  it.each([
    '0.0.0.0',
    '::',
    '0:0:0:0:0:0:0:0',
    '0.0.0.0/32',
    '0.0.0.0/8',
    '0.1.2.3',
    '255.255.255.255',
    '224.0.0.1',
    '240.0.0.0/4',
    'ff02::1',
  ])('is refused if it matches nobody: %s', (given) => {
    expect(faultOf(given)).toEqual([expect.stringContaining('this one matches nobody')]);
  });

  it.each([
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::ffff:cb00:7100/120', '203.0.113.0/24'],
    ['::ffff:0:0/96', '0.0.0.0/0'],
  ])('is refused, with its IPv4 form, if LiveKit would match no caller with it: %s', (given, written) => {
    expect(faultOf(given)).toEqual([expect.stringContaining(`must be written as IPv4, ${written}:`)]);
  });

  it.each(['203.0.113.0/33', 'example.com', '010.1.1.1', '203.0.113.7:5060', ''])(
    'is refused unless it is an address or a range: %j',
    (given) => {
      expect(faultOf(given)).toEqual([expect.stringContaining('must be an IP address or a range')]);
    },
  );
});
