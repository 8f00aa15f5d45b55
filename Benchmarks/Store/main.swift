// Brings calls and their alerts from a journal into a database, as the server's follower does:
//
//   StoreBenchmark CALLS
//
// Under callgrind the count does not depend on what else the machine does (Benchmarks/README.md).
import Elements
import Foundation
import Limits
import Store
import Switch

struct Usage: Error {}

guard CommandLine.arguments.count == 2, let calls = UInt64(CommandLine.arguments[1]), calls > 0
else {
  print("usage: StoreBenchmark CALLS")
  throw Usage()
}
let path = NSTemporaryDirectory() + "martinet-store-benchmark-\(UUID().uuidString)"
defer { try? FileManager.default.removeItem(atPath: path) }
let folder = try DataFolder(path)
let database = try Database(in: folder, key: try MasterKey(in: folder, credentials: nil))
let journal = try Journal(in: folder) { _ in }
journal.start { _ in }
var sequence: UInt64 = 0
for number in 1...calls {
  for entries in CallEntries(number).batches {
    sequence += 1
    journal.append(JournalBatch(sequence: sequence, entries: entries))
  }
}
journal.close()
let follower = try JournalFollower(try Journal(in: folder) { _ in }, into: database)
follower.start { print("the follower said \($0)") }
follower.stop()
print("\(calls) calls, \(sequence) batches")
