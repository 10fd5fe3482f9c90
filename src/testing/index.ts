/** What tests of crews and tools need: a scripted model, a clock that moves when told, a controller of its own, events in memory, toy parts. */
export { ManualClock } from '../kit/clock.ts';
export { Cassette, type CassetteOptions } from './cassette.ts';
export { openTestController, type TestControllerOptions } from './controller.ts';
export { MemoryEvents } from './events.ts';
export { instruction, ObedientModel } from './obedient-model.ts';
export { ScriptedModel, type ScriptStep } from './scripted-model.ts';
export { ToyInvoker, toyAgent, toyCrew, toyTask, toyTool } from './toy.ts';
