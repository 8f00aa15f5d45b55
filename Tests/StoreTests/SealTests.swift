import Elements
import Foundation
import Store
import Testing

@Suite struct SealTests {
  private let place = Seal.Place("configuration", "document", row: "1")

  private func folder() throws -> (TemporaryFolder, DataFolder) {
    let temporary = try TemporaryFolder()
    return (temporary, try DataFolder(temporary.path))
  }

  @Test("What was sealed opens in its place, and two seals of one value differ")
  func roundTrip() throws {
    let (temporary, folder) = try folder()
    let seal = Seal(try MasterKey(in: folder, credentials: nil))
    let first = try seal.close([1, 2, 3], in: place)
    #expect(try seal.open(first, in: place) == [1, 2, 3])
    #expect(try seal.close([1, 2, 3], in: place) != first)
    withExtendedLifetime(temporary) {}
  }

  @Test("A value moved to another row, column or table does not open")
  func otherPlace() throws {
    let (temporary, folder) = try folder()
    let seal = Seal(try MasterKey(in: folder, credentials: nil))
    let sealed = try seal.close([1, 2, 3], in: place)
    for other in [
      Seal.Place("configuration", "document", row: "2"),
      Seal.Place("configuration", "other", row: "1"), Seal.Place("audit", "document", row: "1"),
      // The same letters, cut differently.
      Seal.Place("configurationdocument", "", row: "1"),
    ] {
      #expect(throws: StoreError.sealBroken(place: "\(other)")) {
        try seal.open(sealed, in: other)
      }
    }
    withExtendedLifetime(temporary) {}
  }

  @Test("Any altered byte is found")
  func altered() throws {
    let (temporary, folder) = try folder()
    let seal = Seal(try MasterKey(in: folder, credentials: nil))
    let sealed = try seal.close([1, 2, 3], in: place)
    for index in sealed.indices {
      var wrong = sealed
      wrong[index] ^= 1
      #expect(throws: StoreError.self) { try seal.open(wrong, in: place) }
    }
    #expect(throws: StoreError.self) { try seal.open(Data(sealed.dropLast()), in: place) }
    withExtendedLifetime(temporary) {}
  }

  @Test("After a rotation old values open and new ones use the new key")
  func rotation() throws {
    let (temporary, folder) = try folder()
    let old = try MasterKey(in: folder, credentials: nil)
    let sealed = try Seal(old).close([7], in: place)
    let text = String(decoding: try temporary.bytes("master.key"), as: UTF8.self)
    let second = String(repeating: "ab", count: 32)
    try temporary.write(Array((text + "2 \(second)\n").utf8), to: "master.key")
    chmod(temporary.path + "/master.key", 0o600)
    let new = try MasterKey(in: folder, credentials: nil)
    #expect(new.current == 2)
    #expect(try Seal(new).open(sealed, in: place) == [7])
    let again = try Seal(new).close([7], in: place)
    #expect(throws: StoreError.wrongKey(path: old.path)) { try Seal(old).open(again, in: place) }
  }

  @Test("systemd's credential is taken before the folder's key")
  func credential() throws {
    let (temporary, folder) = try folder()
    try FileManager.default.createDirectory(
      atPath: temporary.path + "/credentials", withIntermediateDirectories: false)
    try temporary.write(
      Array(String(repeating: "0f", count: 32).utf8), to: "credentials/master.key")
    chmod(temporary.path + "/credentials/master.key", 0o400)
    let key = try MasterKey(in: folder, credentials: temporary.path + "/credentials")
    #expect(key.path.hasPrefix(temporary.path + "/credentials"))
    #expect(!(try temporary.files().contains("master.key")), "no second key is made")
    // As systemd's ACL for the service's user looks in the mode.
    chmod(key.path, 0o440)
    _ = try MasterKey(in: folder, credentials: temporary.path + "/credentials")
    for mode in [mode_t(0o460), 0o444] {
      chmod(key.path, mode)
      #expect(throws: StoreError.keyExposed(path: key.path, mode: UInt16(mode))) {
        try MasterKey(in: folder, credentials: temporary.path + "/credentials")
      }
    }
  }

  @Test("A key that others can read is refused with the command that mends it")
  func exposed() throws {
    let (temporary, folder) = try folder()
    _ = try MasterKey(in: folder, credentials: nil)
    for mode in [mode_t(0o644), 0o440] {
      chmod(temporary.path + "/master.key", mode)
      #expect(throws: StoreError.keyExposed(path: folder.keyPath, mode: UInt16(mode))) {
        try MasterKey(in: folder, credentials: nil)
      }
    }
  }

  @Test(
    "A damaged key file is refused",
    arguments: ["", "1 abcd\n", "x \(String(repeating: "00", count: 32))\n", "hello\n"])
  func damagedKey(text: String) throws {
    let (temporary, folder) = try folder()
    try temporary.write(Array(text.utf8), to: "master.key")
    chmod(temporary.path + "/master.key", 0o600)
    #expect(throws: StoreError.self) { try MasterKey(in: folder, credentials: nil) }
  }

  @Test("A missing key beside a database is never replaced by a new one")
  func missingKey() throws {
    let bench = try StoreBench()
    try FileManager.default.removeItem(atPath: bench.folder.keyPath)
    #expect(throws: StoreError.keyMissing(path: bench.folder.keyPath)) {
      try MasterKey(in: bench.folder, credentials: nil)
    }
  }

  @Test("The wrong key is told before anything is read with it")
  func wrongKey() throws {
    let bench = try StoreBench()
    bench.database.close()
    try bench.temporary.write(
      Array("1 \(String(repeating: "11", count: 32))\n".utf8), to: "master.key")
    chmod(bench.folder.keyPath, 0o600)
    #expect(throws: StoreError.wrongKey(path: bench.folder.keyPath)) {
      try Store.Database(
        in: bench.folder, key: try MasterKey(in: bench.folder, credentials: nil))
    }
  }
}
