export interface TwilioCredential {
  /** The SID of an account or an API key. */
  user: string;
  password: string;
  /** Twilio's host, whose name contains the Region. */
  host?: string;
}

/** Sends plain requests to Twilio's stand-in. */
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
