import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** What each system reads `os.tmpdir()` from. */
const VARIABLES = ['TMPDIR', 'TEMP', 'TMP'] as const;
const PREFIX = 'orderflow-crew-tests-';

/** Gives a run of the tests a temporary folder of its own, which is gone after it: the tests leave theirs where they are. */
export default function setUp(): (() => void) | undefined {
  // Each project of a run sets up; the first has done it for all.
  if (basename(tmpdir()).startsWith(PREFIX)) return undefined;
  const before = VARIABLES.map((name) => [name, process.env[name]] as const);
  const folder = mkdtempSync(join(tmpdir(), PREFIX));
  // A server that runs as another user has to get to the folder made for it in here.
  chmodSync(folder, 0o711);
  for (const name of VARIABLES) process.env[name] = folder;
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
}
