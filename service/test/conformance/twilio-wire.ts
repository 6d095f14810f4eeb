export interface TwilioCredential {
  /** The SID of an account or of a key. */
  user: string;
  password: string;
  /** Twilio's host that is meant; its name tells the Region. */
  host?: string;
}

/** Asks Twilio's stand-in over the bare wire. */
export const askTwilio =
  (url: string, { user, password, host }: TwilioCredential) =>
  async (method: string, path: string, form?: Record<string, string>): Promise<{ status: number; body: any }> => {
    const response = await fetch(url + path, {
      method,
      headers: {
        Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
        Accept: 'application/json',
        ...(host && { 'X-Forwarded-Host': host }),
      },
      ...(form && { body: new URLSearchParams(form) }),
    });
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : undefined };
  };
