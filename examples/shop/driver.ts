import { drive, type TrafficOrder } from './traffic/run.ts';

// The process that drives traffic: it is started by `traffic/drive.ts`, takes one order, and answers with what it saw.
process.once('message', (order: TrafficOrder) => {
  void drive(order, () => process.send?.({ kind: 'measuring' })).then((result) => {
    process.send?.({ kind: 'done', result }, undefined, {}, () => process.disconnect());
  });
});
// Without its parent there is nobody to measure for. Ctrl-C is the parent's to handle.
process.once('disconnect', () => process.exit());
process.on('SIGINT', () => {});
