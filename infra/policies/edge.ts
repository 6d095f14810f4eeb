import { isProd, onEach, type Rule, when } from './rule.ts';

export const edge: Rule[] = [
  onEach(
    'aws:lb/listener:Listener',
    {
      name: 'https-only',
      description: 'Callers are answered over TLS 1.2 or newer; HTTP sends them there in production.',
    },
    ({ protocol, sslPolicy, defaultActions = [] }, resource) =>
      protocol === 'HTTPS'
        ? when(
            !/^ELBSecurityPolicy-TLS13-1-[23]-/.test(sslPolicy ?? ''),
            'Set an sslPolicy of ELBSecurityPolicy-TLS13-1-2 or newer.',
          )
        : when(
            isProd(resource) && !defaultActions.every((action: { type: string }) => action.type === 'redirect'),
            'Redirect HTTP to HTTPS.',
          ),
  ),
  onEach(
    'aws:lb/loadBalancer:LoadBalancer',
    { name: 'malformed-headers-dropped', description: 'The load balancer drops headers that are not valid.' },
    ({ dropInvalidHeaderFields }) => when(dropInvalidHeaderFields !== true, 'Set dropInvalidHeaderFields.'),
  ),
];
