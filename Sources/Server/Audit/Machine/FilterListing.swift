import Elements
import Foundation
import Glibc

/// Asks the kernel for its filter, through the program that knows it.
enum FilterListing {
  /// What came of it.
  enum Outcome {
    case rules(FilterRules)
    /// Why it was not seen.
    case unseen(String)

    var rules: FilterRules? { if case .rules(let rules) = self { rules } else { nil } }

    /// Whether nobody outside reaches what listens there.
    func closes(_ endpoint: Endpoint) -> Bool {
      rules.map { FilterJudge($0).verdict(on: OpenPort(.tcp, endpoint, inode: 0)) == .closed }
        ?? false
    }
  }

  static var hasProgram: Bool { access(program, X_OK) == 0 }

  private static let program = "/usr/sbin/nft"
  /// Sets of bans make it long.
  private static let longest = 64 << 20

  static func inForce() -> Outcome {
    // The filter before nftables, of both families; readable for root alone.
    let old = ["ip_tables_names", "ip6_tables_names"].compactMap {
      try? String(contentsOfFile: "/proc/net/\($0)", encoding: .utf8)
    }
    guard old.allSatisfy(\.isEmpty) else {
      return .unseen("it is kept by the old iptables")
    }
    guard hasProgram else {
      return .unseen("there is no \(program) to ask")
    }
    // Elements of sets cost time and memory, and our own bans are as many as there are attackers.
    guard let all = list("-t list ruleset"), let rules = FilterRules(all) else {
      return .unseen("\(program) does not say it to this user")
    }
    var whole = rules
    for place in rules.tablesWithSets {
      guard place.isPlain, let table = list("list table \(place.family) \(place.table)"),
        let rules = FilterRules(table)
      else {
        whole.forget(setsOf: place)
        continue
      }
      whole.take(setsOf: rules)
    }
    return .rules(whole)
  }

  private static func list(_ words: String) -> Data? {
    guard let pipe = popen("\(program) -j \(words) 2>/dev/null", "re") else { return nil }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while bytes.count < longest {
      let count = fread(&buffer, 1, buffer.count, pipe)
      guard count > 0 else { break }
      bytes += buffer[..<count]
    }
    return pclose(pipe) == 0 ? Data(bytes) : nil
  }
}
