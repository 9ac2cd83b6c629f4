/** The limit for the API measures: Express parses the same body and stores nothing, or answers a constant of the size asked for. */
import express from 'express';

const app = express();
const constants = new Map();

const constantOf = (bytes) => {
  if (!constants.has(bytes))
    constants.set(bytes, JSON.stringify({ text: 'x'.repeat(Math.max(0, bytes - 11)) }));
  return constants.get(bytes);
};

app.post('/create', express.json({ limit: '16mb' }), (req, res) => {
  res.json({ id: String(req.body.executors.length) });
});
app.get('/constant/:bytes', (req, res) => {
  res.type('json').send(constantOf(Number(req.params.bytes)));
});

const server = app.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listens on http://127.0.0.1:${String(server.address().port)}\n`);
});
process.on('SIGTERM', () => process.exit(0));
