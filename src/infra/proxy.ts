type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that `url` goes through, by the usual variables: HTTPS_PROXY for https and wss, HTTP_PROXY for http and
 * ws, lower case first; NO_PROXY lists hosts (or `.suffix`, or `*`) that go directly. Undefined: no proxy.
 */
export function proxyFor(url: URL, environment: Environment): string | undefined {
  const secure = url.protocol === 'https:' || url.protocol === 'wss:';
  const name = secure ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const proxy = environment[name.toLowerCase()] ?? environment[name];
  if (proxy === undefined || proxy === '') return undefined;
  return isExempt(url.hostname, environment['no_proxy'] ?? environment['NO_PROXY'] ?? '') ? undefined : proxy;
}

/** ` through the proxy HOST` where `url` goes through one, else nothing: for messages. A proxy's password is left out. */
export function throughProxy(url: string, environment: Environment): string {
  const proxy = proxyFor(new URL(url), environment);
  if (proxy === undefined) return '';
  return ` through the proxy ${URL.canParse(proxy) ? new URL(proxy).host : 'that the environment names'}`;
}

function isExempt(host: string, list: string): boolean {
  return list
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map((entry) =>
      entry
        .replace(/:\d+$/, '')
        .replace(/^\*?\./, '')
        .toLowerCase(),
    )
    .some((entry) => entry === '*' || host.toLowerCase() === entry || host.toLowerCase().endsWith(`.${entry}`));
}
