// Counts what the signalling lane computes for one operation, without sockets, threads or disk:
//
//   core-benchmark register|call OPERATIONS
//
// Under callgrind the count does not depend on what else the machine does (Benchmarks/README.md).
import Switch

let words = CommandLine.arguments
guard words.count == 3, let operations = Int(words[2]), operations > 0,
  ["register", "call"].contains(words[1])
else {
  print("usage: core-benchmark register|call OPERATIONS")
  throw ScriptError(wanted: "an operation and how often", found: Array(words.dropFirst()))
}
var counter = Counter(try Customer.rulebook())
var script = Script()
/// The first operations of each phone are not counted: the switch tells people what is new about an account.
let phones = min(operations, Customer.extensions, 100)
@MainActor
func perform(_ operation: Int) throws(ScriptError) {
  if words[1] == "register" {
    try script.register(operation % phones, with: &counter)
  } else {
    try script.call(operation % phones, with: &counter)
  }
}
for operation in 0..<phones { try perform(operation) }
counter.isCounting = true
let clock = ContinuousClock()
let began = clock.now
for operation in 0..<operations { try perform(operation) }
let nanoseconds = (clock.now - began) / operations
print("\(words[1]): \(operations) operations, \(nanoseconds) each with the script")
print("journal: \(counter.journalBytes / operations) bytes each")
