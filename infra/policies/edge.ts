import { isProd, onEach, type Rule, when } from './rule.ts';

export const edge: Rule[] = [
  onEach(
    'aws:lb/listener:Listener',
    {
      name: 'https-only',
      description: 'Callers are answered over TLS 1.2 or newer; in production nothing listens to plain HTTP.',
    },
    ({ protocol, sslPolicy }, resource) =>
      protocol === 'HTTPS'
        ? when(
            !/^ELBSecurityPolicy-TLS13-1-[23]-/.test(sslPolicy ?? ''),
            'Set an sslPolicy of ELBSecurityPolicy-TLS13-1-2 or newer.',
          )
        : when(
            isProd(resource),
            'Take the HTTP listener away: a caller sends its key in clear before it reads a redirect.',
          ),
  ),
  onEach(
    'aws:lb/loadBalancer:LoadBalancer',
    { name: 'malformed-headers-dropped', description: 'The load balancer drops headers that are not valid.' },
    ({ dropInvalidHeaderFields }) => when(dropInvalidHeaderFields !== true, 'Set dropInvalidHeaderFields.'),
  ),
];
