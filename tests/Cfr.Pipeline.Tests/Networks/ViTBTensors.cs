namespace Cfr.Pipeline.Tests.Networks;

/// <summary>
/// Names and sizes of the 314 tensors of the published ViT-B, written down from its file, not from our model.
/// </summary>
static class ViTBTensors
{
    public static List<(string Name, int[] Sizes)> All()
    {
        var all = new List<(string Name, int[] Sizes)>();
        Encoder();
        Prompts();
        Decoder();
        return all;

        void Encoder()
        {
            Add("image_encoder.pos_embed", 1, 64, 64, 768);
            Pair("image_encoder.patch_embed.proj", 768, 3, 16, 16);
            for (int i = 0; i < 12; i++)
            {
                string block = $"image_encoder.blocks.{i}";
                int rows = i is 2 or 5 or 8 or 11 ? 127 : 27;
                Pair($"{block}.norm1", 768);
                Add($"{block}.attn.rel_pos_h", rows, 64);
                Add($"{block}.attn.rel_pos_w", rows, 64);
                Pair($"{block}.attn.qkv", 2304, 768);
                Pair($"{block}.attn.proj", 768, 768);
                Pair($"{block}.norm2", 768);
                Pair($"{block}.mlp.lin1", 3072, 768);
                Pair($"{block}.mlp.lin2", 768, 3072);
            }
            Add("image_encoder.neck.0.weight", 256, 768, 1, 1);
            Pair("image_encoder.neck.1", 256);
            Add("image_encoder.neck.2.weight", 256, 256, 3, 3);
            Pair("image_encoder.neck.3", 256);
        }

        void Prompts()
        {
            Add("prompt_encoder.pe_layer.positional_encoding_gaussian_matrix", 2, 128);
            for (int i = 0; i < 4; i++) Add($"prompt_encoder.point_embeddings.{i}.weight", 1, 256);
            Add("prompt_encoder.not_a_point_embed.weight", 1, 256);
            Pair("prompt_encoder.mask_downscaling.0", 4, 1, 2, 2);
            Pair("prompt_encoder.mask_downscaling.1", 4);
            Pair("prompt_encoder.mask_downscaling.3", 16, 4, 2, 2);
            Pair("prompt_encoder.mask_downscaling.4", 16);
            Pair("prompt_encoder.mask_downscaling.6", 256, 16, 1, 1);
            Add("prompt_encoder.no_mask_embed.weight", 1, 256);
        }

        void Decoder()
        {
            for (int i = 0; i < 2; i++)
            {
                string layer = $"mask_decoder.transformer.layers.{i}";
                Attention($"{layer}.self_attn", 256);
                Attention($"{layer}.cross_attn_token_to_image", 128);
                Attention($"{layer}.cross_attn_image_to_token", 128);
                for (int norm = 1; norm <= 4; norm++) Pair($"{layer}.norm{norm}", 256);
                Pair($"{layer}.mlp.lin1", 2048, 256);
                Pair($"{layer}.mlp.lin2", 256, 2048);
            }
            Attention("mask_decoder.transformer.final_attn_token_to_image", 128);
            Pair("mask_decoder.transformer.norm_final_attn", 256);
            Add("mask_decoder.iou_token.weight", 1, 256);
            Add("mask_decoder.mask_tokens.weight", 4, 256);
            Up("mask_decoder.output_upscaling.0", 256, 64);
            Pair("mask_decoder.output_upscaling.1", 64);
            Up("mask_decoder.output_upscaling.3", 64, 32);
            for (int t = 0; t < 4; t++) Head($"mask_decoder.output_hypernetworks_mlps.{t}", 32);
            Head("mask_decoder.iou_prediction_head", 4);
        }

        void Attention(string name, int inner)
        {
            foreach (string part in new[] { "q", "k", "v" }) Pair($"{name}.{part}_proj", inner, 256);
            Pair($"{name}.out_proj", 256, inner);
        }

        void Head(string name, int outputs)
        {
            Pair($"{name}.layers.0", 256, 256);
            Pair($"{name}.layers.1", 256, 256);
            Pair($"{name}.layers.2", outputs, 256);
        }

        // A transposed convolution's outputs are its second axis.
        void Up(string name, int inputs, int outputs)
        {
            Add($"{name}.weight", inputs, outputs, 2, 2);
            Add($"{name}.bias", outputs);
        }

        void Pair(string name, params int[] sizes)
        {
            Add($"{name}.weight", sizes);
            Add($"{name}.bias", sizes[0]);
        }

        void Add(string name, params int[] sizes) => all.Add((name, sizes));
    }
}
