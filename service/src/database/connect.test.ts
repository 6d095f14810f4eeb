import mongoose from 'mongoose';
import { describe, expect, it } from 'vitest';
import { repeatedField } from './connect.ts';

const serverError = (fields: object) => new mongoose.mongo.MongoServerError({ code: 11000, ...fields });

describe('repeatedField', () => {
  it.each([
    ['phone_number', { message: 'E11000', keyPattern: { phone_number: 1 } }],
    ['organization_id+account_sid', { message: 'E11000', keyPattern: { organization_id: 1, account_sid: 1 } }],
    // Without a keyPattern.
    [
      'phone_number',
      { message: 'E11000 duplicate key error collection: trunkline.phone_numbers index: phone_number_1' },
    ],
    ['_id', { message: 'E11000 duplicate key error collection: trunkline.installations index: _id_' }],
    [
      'organization_id+account_sid',
      {
        message: 'E11000 duplicate key error collection: t.integrations index: organization_id_1_account_sid_1 dup key',
      },
    ],
  ])('names %s', (field, error) => {
    expect(repeatedField(serverError(error))).toBe(field);
  });

  it('is undefined for any other error', () => {
    expect(repeatedField(serverError({ message: 'E11000', code: 112 }))).toBeUndefined();
    expect(repeatedField(new Error('index: phone_number_1'))).toBeUndefined();
  });
});
