package service

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/openapi"
)

// API is the operations about the service itself.
type API struct {
	service *Service
	etag    string
	json    gen.Contract
}

// NewAPI returns the operations about the service itself. asJSON is the contract as JSON.
func NewAPI(s *Service, asJSON []byte) (*API, error) {
	a := &API{service: s}
	sum := sha256.Sum256(openapi.YAML)
	a.etag = `"` + hex.EncodeToString(sum[:8]) + `"`
	return a, json.Unmarshal(asJSON, &a.json)
}

// GetHealth tells that the process lives.
func (a *API) GetHealth(context.Context, gen.GetHealthRequestObject) (gen.GetHealthResponseObject, error) {
	return gen.GetHealth200JSONResponse{Status: gen.HealthStatusOk}, nil
}

// GetReadiness tells whether requests can be served.
func (a *API) GetReadiness(ctx context.Context, _ gen.GetReadinessRequestObject) (gen.GetReadinessResponseObject, error) {
	if err := a.service.Ready(ctx); err != nil {
		return nil, err
	}
	return gen.GetReadiness200JSONResponse{Status: gen.HealthStatusOk}, nil
}

// GetContractYAML returns the contract, byte for byte.
func (a *API) GetContractYAML(context.Context, gen.GetContractYAMLRequestObject) (gen.GetContractYAMLResponseObject, error) {
	return gen.GetContractYAML200ApplicationYAMLResponse{
		Body:          bytes.NewReader(openapi.YAML),
		ContentLength: int64(len(openapi.YAML)),
		Headers:       gen.GetContractYAML200ResponseHeaders{ETag: &a.etag},
	}, nil
}

// GetContractJSON returns the contract as JSON.
func (a *API) GetContractJSON(context.Context, gen.GetContractJSONRequestObject) (gen.GetContractJSONResponseObject, error) {
	return gen.GetContractJSON200JSONResponse{Body: a.json, Headers: gen.GetContractJSON200ResponseHeaders{ETag: &a.etag}}, nil
}
