import { optimisationTool } from '../shared/optimisation.ts';

export default optimisationTool({
  name: 'optimize_schema',
  title: 'Optimise the database',
  description:
    'Refreshes the statistics of the planner, moves finished days of all tables to Parquet, and rewrites the database file when that gives back enough. The bytes recovered are measured. What the daily optimisation runs.',
  analyse: true,
});
