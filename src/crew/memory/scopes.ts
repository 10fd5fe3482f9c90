import { InvalidInput } from '../../kit/errors.ts';

const SCOPE = /^(?:\/[A-Za-z0-9][A-Za-z0-9_.:@-]{0,99}){1,12}$/;
const TENANT = /^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,199}$/;

/** What is not a tenant of its own. */
export const DEFAULT_TENANT = 'default';

/** The scope as given. Throws InvalidInput for anything but steps of letters, digits and `_ . : @ -` after slashes. */
export function checkScope(scope: string): string {
  if (!SCOPE.test(scope))
    throw new InvalidInput(`'${scope}' is not a scope of memory: write steps after slashes, as in /crew/desk`);
  return scope;
}

/** The tenant as given. Throws InvalidInput as `checkScope`. */
export function checkTenant(tenant: string): string {
  if (!TENANT.test(tenant))
    throw new InvalidInput(
      `'${tenant}' is not a tenant: letters, digits and _ . : @ -, beginning with one of the first`,
    );
  return tenant;
}

/** Whether `scope` is `root` or below it. `/crew/a` does not hold `/crew/ab`. */
export function isWithin(scope: string, root: string): boolean {
  return scope === root || scope.startsWith(`${root}/`);
}

/** What the agents of a crew share. */
export function crewScope(crew: string): string {
  return `/crew/${crew}`;
}

/** What one agent of a crew keeps to itself. */
export function agentScope(crew: string, agent: string): string {
  return `/crew/${crew}/agent/${agent}`;
}
