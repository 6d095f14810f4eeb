import { Problem } from '@trunkline/contracts';

/** For a repeated request whose first answer held a secret, which is shown only once. */
export const answerNotKept = () =>
  new Problem(
    'answer_not_kept',
    'The request succeeded, and its response contained a secret that is shown only once. If you did not receive it, revoke the key and create another with a new Idempotency-Key.',
  );
