import { describe, expect, it } from 'vitest';
import { maskUrl, maskUrlsIn } from './mask-url.ts';

describe('a URL', () => {
  it.each([
    ['https://example.com/voice', 'https://example.com/voice'],
    ['https://example.com:8443/a/b', 'https://example.com:8443/a/b'],
    ['https://user:pass@example.com/voice?token=abc#frag', 'https://***@example.com/voice?***'],
    ['https://token@example.com/voice', 'https://***@example.com/voice'],
    ['https://:pass@example.com/', 'https://***@example.com/'],
    ['https://us%40er:pa@ss@example.com/x', 'https://***@example.com/x'],
    ['https:/user:pass@example.com/x', 'https://***@example.com/x'],
    ['https:\\\\user:pass@example.com\\x', 'https://***@example.com/x'],
    ['HTTPS://user:pass@EXAMPLE.com/x?y', 'https://***@example.com/x?***'],
    ['https://example.com?token=abc', 'https://example.com/?***'],
    ['https://example.com/#token=abc', 'https://example.com/#***'],
    ['sip:user:pass@example.com', '***'],
    ['user:pass@example.com', '***'],
    ['//user:pass@example.com/x', '***'],
    ['https://', '***'],
    ['pass', '***'],
  ])('%s is masked as %s', (url, masked) => expect(maskUrl(url)).toBe(masked));

  it('is masked within a text too', () => {
    const said =
      'VoiceUrl "https://user:pass@example.com/x?token=abc" is not valid. See https://www.twilio.com/docs/21502';
    expect(maskUrlsIn(said)).toBe(
      'VoiceUrl "https://***@example.com/x?***" is not valid. See https://www.twilio.com/docs/21502',
    );
  });
});
