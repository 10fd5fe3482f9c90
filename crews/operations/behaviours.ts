import { defineBehaviour } from '../../src/crew/index.ts';

/** The operations crew looks at the whole system every minute. */
export default [
  defineBehaviour({
    name: 'system_health_check',
    description: 'Every minute: runs the operations crew, which measures every component.',
    trigger: { every: 60 },
    cooldownSeconds: 30,
    priority: 2,
    leaseSeconds: 60,
    run: async (context) => {
      const document = await context.kickoff('operations');
      return { run_id: document.run_id, status: document.status };
    },
  }),
];
