@testable import Cleaning

/// What is stored of a file that may hold personal values or secrets: the same when it is protected again, and no personal value as it was.
func checkProtected(_ landing: [UInt8], _ contract: Contract, _ facts: CaptureFacts) {
    guard Cleaner.mustProtect(contract), let stored = protected(landing, contract) else { return }
    switch attempt(
        CleaningError.self,
        { try Cleaner.protect(ByteSource(stored), under: contract) { group, _ in Array("p1:\(group):k:bbbb".utf8) }.bytes })
    {
    case .success(let again): check(again == stored, "protected twice:\n\(shown(again))\nonce:\n\(shown(stored))")
    case .failure(let error): check(false, "a protected file that cannot be protected: \(error)\n\(shown(stored))")
    }
    // The cleaner stops where a personal cell is no pseudonym: that must never come to pass. Names are replaced with the capture.
    guard contract.isPersonal, let (raw, _) = unpacked(stored, contract) else { return }
    var facts = facts
    for (hole, _) in contract.personalHoles { facts.fields[hole] = nil }
    let error = Outcome(of: [raw[...]], contract, facts).error
    check(error?.code != "not_pseudonymised", "\(error.map { "\($0)" } ?? "") in\n\(shown(stored))")
}

private func protected(_ landing: [UInt8], _ contract: Contract) -> [UInt8]? {
    attempt(
        CleaningError.self,
        { try Cleaner.protect(ByteSource(landing), under: contract) { group, _ in Array("p1:\(group):k:aaaa".utf8) }.bytes }
    ).value
}

private func shown(_ bytes: [UInt8]) -> String { String(decoding: bytes.prefix(2_000), as: UTF8.self) }
