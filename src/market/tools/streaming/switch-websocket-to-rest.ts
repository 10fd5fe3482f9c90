import { modeSwitch } from '../shared/mode-switch.ts';

export default modeSwitch({
  name: 'switch_websocket_to_rest',
  title: 'Fall back to REST',
  mode: 'rest',
  description:
    'Polls a venue market over REST instead of its WebSocket: what to do when its WebSocket cannot be reached after several tries. Slower and coarser, but not blind.',
});
