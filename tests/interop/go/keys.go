package main

import (
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"fmt"

	"filippo.io/keygen"
	"github.com/libp2p/go-libp2p/core/crypto"
)

// rsaBits is what most RSA nodes in the wild have, and the least that go-libp2p accepts.
const rsaBits = 2048

// makeKey makes a key of the named type: the same for the same seed, a random one for a negative seed.
func makeKey(keyType string, seed int64) (crypto.PrivKey, error) {
	secret := make([]byte, sha256.Size)
	if seed < 0 {
		if _, err := rand.Read(secret); err != nil {
			return nil, err
		}
	} else {
		hash := sha256.Sum256(fmt.Appendf(nil, "p2p-probe interop %d", seed))
		copy(secret, hash[:])
	}
	return keyFrom(keyType, secret)
}

func keyFrom(keyType string, secret []byte) (crypto.PrivKey, error) {
	switch keyType {
	case "ed25519":
		return ed25519Key(secret)
	case "secp256k1":
		return crypto.UnmarshalSecp256k1PrivateKey(secret)
	case "ecdsa":
		key, err := keygen.ECDSA(elliptic.P256(), secret)
		if err != nil {
			return nil, err
		}
		private, _, err := crypto.ECDSAKeyPairFromKey(key)
		return private, err
	case "rsa":
		key, err := keygen.RSA(rsaBits, secret)
		if err != nil {
			return nil, err
		}
		return crypto.UnmarshalRsaPrivateKey(x509.MarshalPKCS1PrivateKey(key))
	default:
		return nil, fmt.Errorf("--key-type %q: ed25519, rsa, secp256k1 or ecdsa", keyType)
	}
}

func ed25519Key(seed []byte) (crypto.PrivKey, error) {
	return crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(seed))
}
