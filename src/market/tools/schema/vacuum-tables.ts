import { optimisationTool } from '../shared/optimisation.ts';

export default optimisationTool({
  name: 'vacuum_tables',
  aliases: ['vacuum_table', 'trigger_table_vacuum'],
  title: 'Give space back',
  description:
    'Gives free space of the market database back to the disk: moves finished days to Parquet and rewrites the file when enough comes back (a plain VACUUM returns nothing on DuckDB). The bytes recovered are measured.',
  analyse: false,
});
