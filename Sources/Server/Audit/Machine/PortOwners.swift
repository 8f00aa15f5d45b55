import Foundation

/// Which process has which socket, as far as this user may see.
package struct PortOwners: Sendable {
  package struct Owner: Hashable, Sendable {
    package let process: Int32
    package let program: String

    package init(process: Int32, program: String) {
      (self.process, self.program) = (process, program)
    }
  }

  private let owners: [UInt64: Owner]

  package init(_ owners: [UInt64: Owner]) { self.owners = owners }

  /// Looks through all processes.
  static func look() -> PortOwners {
    let files = FileManager.default
    var owners: [UInt64: Owner] = [:]
    for name in (try? files.contentsOfDirectory(atPath: "/proc")) ?? [] {
      guard let process = Int32(name),
        let descriptors = try? files.contentsOfDirectory(atPath: "/proc/\(name)/fd")
      else { continue }
      let text = (try? String(contentsOfFile: "/proc/\(name)/comm", encoding: .utf8)) ?? ""
      let owner = Owner(
        process: process, program: text.trimmingCharacters(in: .whitespacesAndNewlines))
      for descriptor in descriptors {
        let link = try? files.destinationOfSymbolicLink(atPath: "/proc/\(name)/fd/\(descriptor)")
        guard let link, link.hasPrefix("socket:["), let inode = UInt64(link.dropFirst(8).dropLast())
        else { continue }
        owners[inode] = owner
      }
    }
    return PortOwners(owners)
  }

  package subscript(_ port: OpenPort) -> Owner? { owners[port.inode] }
}
