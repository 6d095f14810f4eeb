import { inputs, type Mutant } from './mutant.ts';

const LISTENER = 'aws:lb/listener:Listener';

export const edge: Mutant[] = [
  {
    wrong: 'serves over HTTP',
    caughtBy: 'https-only',
    type: LISTENER,
    name: 'trunkline-80',
    change: inputs({ defaultActions: [{ type: 'forward', targetGroupArn: 'targets' }] }),
  },
  {
    wrong: 'speaks TLS 1.0',
    caughtBy: 'https-only',
    type: LISTENER,
    name: 'trunkline-443',
    change: inputs({ sslPolicy: 'ELBSecurityPolicy-2016-08' }),
  },
  {
    wrong: 'serves before its certificate is valid',
    caughtBy: 'HTTPS waits until its certificate is valid',
    type: LISTENER,
    name: 'trunkline-443',
    change: (listener) => {
      listener.dependsOn = listener.dependsOn.filter((urn) => !urn.includes('CertificateValidation'));
    },
  },
  {
    wrong: 'passes malformed headers on',
    caughtBy: 'malformed-headers-dropped',
    type: 'aws:lb/loadBalancer:LoadBalancer',
    change: inputs({ dropInvalidHeaderFields: false }),
  },
  {
    wrong: 'names its load balancer',
    caughtBy: 'what a replacement stands beside has no name of its own',
    type: 'aws:lb/loadBalancer:LoadBalancer',
    change: inputs({ name: 'trunkline' }),
  },
];
