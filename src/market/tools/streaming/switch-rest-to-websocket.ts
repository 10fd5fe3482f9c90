import { modeSwitch } from '../shared/mode-switch.ts';

export default modeSwitch({
  name: 'switch_rest_to_websocket',
  title: 'Return to WebSocket',
  mode: 'websocket',
  description:
    'Goes back from REST polling to the WebSocket of a venue market. Use it when the venue accepts connections again; what was missed in between is reported as a gap.',
});
