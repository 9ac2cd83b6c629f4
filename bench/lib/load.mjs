/** Requests as fast as they are answered. */
import autocannon from 'autocannon';

export const load = (options) =>
  new Promise((resolve, reject) => {
    autocannon(options, (error, result) => {
      if (error) reject(error);
      else if (result.non2xx + result.errors > 0)
        reject(new Error(`${options.url}: ${result.non2xx} refused, ${result.errors} failed`));
      else resolve(result);
    });
  });

/** Ours and the baseline in turn, twice; the better of each. */
export const pair = async (ours, beside) => {
  const best = (results) => ({
    rate: Math.max(...results.map((result) => result.requests.average)),
    p99: Math.min(...results.map((result) => result.latency.p99)),
  });
  const a = [];
  const b = [];
  for (let n = 0; n < 2; n += 1) {
    a.push(await load(ours));
    b.push(await load(beside));
  }
  return { ours: best(a), beside: best(b) };
};
