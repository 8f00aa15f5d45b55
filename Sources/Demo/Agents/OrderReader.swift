import Foundation
import Glibc

/// Takes the orders that wait on the standard input, from a lane that was told of it.
struct OrderReader {
  /// The token under which a resident watches the standard input.
  static let token: UInt64 = 0

  private var rest: [UInt8] = []
  private static let bytesAtOnce = 4096

  /// The whole lines that have come; the process ends with its input.
  mutating func read() throws -> [AgentOrder] {
    var buffer = [UInt8](repeating: 0, count: Self.bytesAtOnce)
    let count = buffer.withUnsafeMutableBytes { Glibc.read(STDIN_FILENO, $0.baseAddress, $0.count) }
    guard count > 0 else { exit(0) }
    rest += buffer[..<count]
    var orders: [AgentOrder] = []
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      orders.append(try JSONDecoder().decode(AgentOrder.self, from: Data(rest[..<end])))
      rest.removeSubrange(...end)
    }
    return orders
  }
}
