import { postJson } from '../../infra/http.ts';
import type { SystemConfig } from '../../crew/config/system-schema.ts';
import { InvalidInput } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { EscalationChannel } from '../../market/jobs/contract.ts';
import { logChannel, webhookChannel } from '../../market/jobs/escalation.ts';

const POST_TIMEOUT_MS = 10_000;

/**
 * The ways to tell people: the log always, and each channel whose variable holds an address. Throws InvalidInput when
 * a configured channel's variable is empty or no address.
 */
export function escalationChannels(
  notifications: SystemConfig['notifications'],
  env: Readonly<Record<string, string | undefined>>,
  log: Logger,
): readonly EscalationChannel[] {
  const configured = Object.entries(notifications).flatMap(([name, channel]) =>
    channel === undefined ? [] : [[name, channel.url_env] as const],
  );
  return [
    logChannel(log),
    ...configured.map(([name, variable]) => {
      const url = env[variable] ?? '';
      if (!URL.canParse(url))
        throw new InvalidInput(
          `notifications.${name}: the variable ${variable} holds no address; set it, or take the channel out of system.yaml`,
        );
      return webhookChannel(name, url, (to, body, signal) =>
        postJson(to, body, { timeoutMs: POST_TIMEOUT_MS, signal }),
      );
    }),
  ];
}
