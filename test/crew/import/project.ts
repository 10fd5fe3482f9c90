import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A project as CrewAI's command line lays it out, with the things that strangers write. */
export const PROJECT: Readonly<Record<string, string>> = {
  'src/news_room/config/agents.yaml': `
reporter:
  role: >
    {topic} Reporter
  goal: >
    Find what is new about {topic}
  backstory: >
    You ask twice.
  llm: openai/gpt-4o-mini
  verbose: true

editor:
  role: Editor
  goal: Cut it down
  backstory: |
    You like \`short\` words.
    You know what $\{ x } means.
  max_iter: 5
`,
  'src/news_room/config/tasks.yaml': `
research_task:
  description: Look into {topic}
  expected_output: Ten bullet points
  agent: reporter
editing_task:
  description: Edit the report
  expected_output: A headline and points
  agent: editor
  context: [research_task]
`,
  'src/news_room/models.py': `
from typing import List, Optional
from pydantic import BaseModel, Field

class Report(BaseModel):
    """class Fake(BaseModel): not a class"""
    headline: str = Field(..., description="one line")
    points: List[Point]
    mood: Optional[str] = None
    extra: Decimal

class Point(BaseModel):
    text: str
    weight: float | None
`,
  'src/news_room/crew.py': `
from crewai import Agent, Crew, Process, Task
from crewai_tools import SerperDevTool, FileReadTool

@CrewBase
class NewsRoom():
    agents_config = 'config/agents.yaml'

    @agent
    def reporter(self) -> Agent:
        return Agent(
            config=self.agents_config['reporter'],
            tools=[SerperDevTool(n_results=3, label="a, b"), FileReadTool()],  # the web
            verbose=True,
        )

    @agent
    def editor(self) -> Agent:
        return Agent(config=self.agents_config["editor"])

    @task
    def editing_task(self) -> Task:
        return Task(config=self.tasks_config['editing_task'], output_pydantic=Report)

    @crew
    def crew(self) -> Crew:
        # process=Process.hierarchical
        return Crew(agents=self.agents, tasks=self.tasks, process=Process.sequential)
`,
};

/** Writes files to a new folder; gives its path. */
export function projectFolder(files: Readonly<Record<string, string>> = PROJECT): string {
  const dir = mkdtempSync(join(tmpdir(), 'crewai-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  return dir;
}
