// Runs one file of browser tests. A file exports its tests by name; each throws if
// wrong. Where it also exports `world`, such as inCompany of demo.mjs, its tests share
// what that starts, and run in the order of their names.
const file = process.argv[2]
let passed = 0
let failed = 0

async function one(name, test) {
  const begin = performance.now()
  await test().then(() => report(name, begin), (e) => report(name, begin, e))
}

function report(name, begin, e) {
  if (e) failed++
  else passed++
  console.log(e ? `FAIL  ${name}\n${e.stack}` : `ok    ${name} (${((performance.now() - begin) / 1000).toFixed(1)} s)`)
}

const { world = (all) => all((test) => test()), ...tests } = await import('./' + file)
const begin = performance.now()
try {
  await world(async (run) => {
    for (const [name, test] of Object.entries(tests)) await one(`${file} ${name}`, () => run(test))
  })
} catch (e) {
  report(file, begin, e)
}
process.exit(failed > 0 || passed === 0 ? 1 : 0)
