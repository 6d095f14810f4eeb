import { isProd, onEach, type Rule, when } from './rule.ts';

export const edge: Rule[] = [
  onEach(
    'aws:lb/listener:Listener',
    {
      name: 'https-only',
      description: 'Callers use TLS 1.2 or newer; in production, nothing serves plain HTTP.',
    },
    ({ protocol, sslPolicy }, resource) =>
      protocol === 'HTTPS'
        ? when(
            !/^ELBSecurityPolicy-TLS13-1-[23]-/.test(sslPolicy ?? ''),
            'Set an sslPolicy of ELBSecurityPolicy-TLS13-1-2 or newer.',
          )
        : when(
            isProd(resource),
            'Remove the HTTP listener: a caller sends its key in clear text before it sees a redirect.',
          ),
  ),
  onEach(
    'aws:lb/loadBalancer:LoadBalancer',
    { name: 'malformed-headers-dropped', description: 'The load balancer drops invalid headers.' },
    ({ dropInvalidHeaderFields }) => when(dropInvalidHeaderFields !== true, 'Set dropInvalidHeaderFields.'),
  ),
];
