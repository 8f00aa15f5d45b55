import Crypto
package import Foundation

/// Seals values with AES-256-GCM so that each opens only in the row it was made for.
///
///      0  form (1)    1  number of the master key    5  nonce    17  ciphertext    then the tag, 16
package struct Seal: Sendable {
  /// Where a value stands; part of what is authenticated, so that values cannot change places.
  package struct Place: Hashable, Sendable, CustomStringConvertible {
    package let table: String
    package let column: String
    package let row: String

    package init(_ table: String, _ column: String, row: String) {
      (self.table, self.column, self.row) = (table, column, row)
    }

    package var description: String { "\(table).\(column), row \(row)" }
    // A length before each part: no two places run together to the same bytes.
    fileprivate var bytes: Data {
      Data([table, column, row].flatMap { Array("\($0.utf8.count):\($0)".utf8) })
    }
  }

  private let key: MasterKey

  package init(_ key: MasterKey) {
    self.key = key
  }

  package func close(_ bytes: [UInt8], in place: Place) throws(StoreError) -> Data {
    do {
      guard let sealing = key.derived(for: "seal", from: key.current) else {
        throw StoreError.wrongKey(path: key.path)
      }
      let box = try AES.GCM.seal(bytes, using: sealing, authenticating: place.bytes)
      guard let combined = box.combined else { throw StoreError.sealBroken(place: "\(place)") }
      return Seal.head(key.current) + combined
    } catch let error as StoreError { throw error } catch {
      throw .sealBroken(place: "\(place)")
    }
  }

  package func open(_ sealed: Data, in place: Place) throws(StoreError) -> [UInt8] {
    let bytes = Array(sealed)
    guard bytes.count >= 5 + 12 + 16, bytes[0] == 1 else { throw .sealBroken(place: "\(place)") }
    let number = bytes[1..<5].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    guard let opening = key.derived(for: "seal", from: number) else {
      throw .wrongKey(path: key.path)
    }
    do {
      let box = try AES.GCM.SealedBox(combined: bytes[5...])
      return Array(try AES.GCM.open(box, using: opening, authenticating: place.bytes))
    } catch { throw .sealBroken(place: "\(place)") }
  }

  private static func head(_ number: UInt32) -> Data {
    Data([1] + (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) })
  }
}
