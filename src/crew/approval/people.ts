import { createHash, timingSafeEqual } from 'node:crypto';
import { InvalidInput, PermissionDenied } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';

/** Someone who may answer. */
export interface Person {
  readonly name: string;
  readonly roles: readonly string[];
}

/** Who may answer requests, and how they show that they are who they say. */
export interface People {
  /**
   * The person of a name. Throws InvalidInput without a name, PermissionDenied for a name that is not listed or a key
   * that is wrong or missing. Where nobody is listed, a name is taken at its word and has no roles.
   */
  identify(name: string, key?: string): Person;
}

/** People by name, as system.yaml lists them; `key_env` names the variable with the key that one must show. */
type Listed = Readonly<
  Record<string, { readonly roles: readonly string[]; readonly key_env?: string | null | undefined }>
>;

/** Binds `people` of system.yaml to the keys in the environment. */
export function createPeople(people: Listed, env: Readonly<Record<string, string | undefined>> = {}): People {
  const names = Object.keys(people);
  return {
    identify(given, key) {
      const name = given.trim();
      if (name === '') throw new InvalidInput('an answer needs the name of the person who gives it');
      if (names.length === 0) return { name, roles: [] };
      const { roles, key_env: variable = null } = listedPerson(people, name);
      if (variable !== null && !isSame(key, env[variable]))
        throw new PermissionDenied(`${name} must show their key: set CREW_PERSON_KEY to what ${variable} holds`);
      return { name, roles };
    },
  };
}

function listedPerson(people: Listed, name: string): Listed[string] {
  const listed = Object.hasOwn(people, name) ? people[name] : undefined;
  if (listed === undefined)
    throw new PermissionDenied(
      `'${name}' is not among the people of system.yaml${didYouMean(name, Object.keys(people))}`,
    );
  return listed;
}

/** False too when either is missing or empty. */
function isSame(given: string | undefined, wanted: string | undefined): boolean {
  if (given === undefined || wanted === undefined || wanted === '') return false;
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
