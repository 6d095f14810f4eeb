import { Problem } from '@trunkline/contracts';

/** For a request that made a secret which is shown once. */
export const answerNotKept = () =>
  new Problem(
    'answer_not_kept',
    'This request was carried out, and its answer held a secret that is shown only once. If you did not get it, revoke what was made and create another with a new Idempotency-Key.',
  );
