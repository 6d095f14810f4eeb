import { PolicyPack } from '@pulumi/policy';
import { rules } from './rules.ts';

new PolicyPack('trunkline', { policies: [...rules], enforcementLevel: 'mandatory' });
